"""Reading Kinesis: leases say who reads which shard, readers bring records, checkpoints say what is safe."""
