"""The forward role: objects in S3 → forwarded records on the project's Kinesis stream."""
