include common::again

$disk = '/srv/disk'

exec { 'order a disk':
  command => "/bin/sh -c '(sleep 2; mkdir -p ${disk}) >/dev/null 2>&1 &'",
  creates => $disk,
  notify  => Common::Again::Delta['disk'],
}
common::again::delta { 'disk': delta => 3 }

if find_file($disk) {
  file { "${disk}/data":
    content => "x\n",
    notify  => Exec['again'],
  }
}
