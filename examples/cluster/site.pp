# The manifest of every host of the cluster, whose size is in Hiera (cluster::size).
include cluster
