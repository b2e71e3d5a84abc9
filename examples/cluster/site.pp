# What every host of the cluster gets: its size is in Hiera (cluster::size).
include cluster
