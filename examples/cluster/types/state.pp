# @summary How far a member of the cluster has come.
type Cluster::State = Enum['alone', 'peers seen', 'quorum', 'configured']
