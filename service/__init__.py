"""kinesiem: AWS security logs from many accounts' Kinesis streams into OpenSearch."""
