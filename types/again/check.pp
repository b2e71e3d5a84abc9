# @summary A command that can be waited for: a line for the shell, or a list of words that is started as it is.
#
# No NUL; neither the line nor the first word is empty.
type Common::Again::Check = Variant[Pattern[/\A[^\0]+\z/], Tuple[Pattern[/\A[^\0]+\z/], Pattern[/\A[^\0]*\z/], 1, default]]
