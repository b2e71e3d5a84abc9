# @summary An absolute path that can be the base folder of this module.
#
# At least one name below `/`, no `.` or `..` among the names, no newline, no NUL.
# Slashes may be doubled, and one may stand at the end.
type Common::Folder = Pattern[/\A(\/+(?!\.{1,2}(\/|\z))[^\/\n\0]+)+\/*\z/]
