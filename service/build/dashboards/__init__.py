"""``dashboard.yml`` → saved objects of OpenSearch Dashboards.

``language`` is what people write, ``patterns`` which fields an index has, ``load`` reads and ``check`` refuses what would
not render, ``aggregations`` · ``looks`` · ``grid`` · ``objects`` write what Dashboards reads, ``verify`` reads it back.
"""
