#!/bin/sh
# Registers Vouchsafe's namespace and search attributes (as platform/local/temporal.ts does), unless they are there.
set -eu

temporal operator namespace describe --namespace default >/dev/null 2>&1 ||
  temporal operator namespace create --namespace default --retention 72h

# A new namespace is known to all of Temporal's services after some seconds.
until temporal operator search-attribute list --namespace default >/dev/null 2>&1; do sleep 1; done

search_attribute() {
  temporal operator search-attribute list --namespace default | grep -qw "$1" ||
    temporal operator search-attribute create --namespace default --name "$1" --type "$2"
}

search_attribute VouchsafeStage Keyword
search_attribute VouchsafeCodeGroup Keyword
