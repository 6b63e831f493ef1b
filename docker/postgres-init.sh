#!/bin/sh
# Runs once, when the volume of Postgres is empty: for each part of Vouchsafe a database and the role that owns it, which no
# other role may enter (platform/local/parts.ts makes the same), and two databases for Temporal.
set -eu

sql() {
  psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --set role="$1" --set database="$2" --set password="${3-}"
}

role() {
  sql "$1" '' "$2" <<'SQL'
create role :"role" login nosuperuser nocreatedb nocreaterole noreplication password :'password';
SQL
}

database() {
  sql "$2" "$1" <<'SQL'
create database :"database" owner :"role" encoding 'UTF8' template template0;
revoke all on database :"database" from public;
SQL
}

role vouchsafe_gift_code "$GIFT_CODE_PASSWORD"
database vouchsafe_gift_code vouchsafe_gift_code

role vouchsafe_wallet "$WALLET_PASSWORD"
database vouchsafe_wallet vouchsafe_wallet

role vouchsafe_gateway "$GATEWAY_PASSWORD"
database vouchsafe_gateway vouchsafe_gateway

role temporal "$TEMPORAL_PASSWORD"
database temporal temporal
database temporal_visibility temporal
