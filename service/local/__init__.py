"""What runs beside the service on one machine: a Kinesis double, Kafka, OpenSearch, DynamoDB Local."""
