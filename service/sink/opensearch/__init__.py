"""The bulk sink, split by role: body, request, verdict, retry."""
