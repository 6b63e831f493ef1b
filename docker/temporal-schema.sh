#!/bin/sh
# Brings Temporal's two databases to the schema of its version. Runs at each start; what is up to date stays as it is.
set -eu

schema() {
  temporal-sql-tool --plugin postgres12 --ep postgres -p 5432 -u temporal --db "$1" setup-schema -v 0.0
  temporal-sql-tool --plugin postgres12 --ep postgres -p 5432 -u temporal --db "$1" \
    update-schema -d "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

schema temporal temporal
schema temporal_visibility visibility
