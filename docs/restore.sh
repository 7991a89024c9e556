#!/bin/sh
# Starts a server on a copy made by pg_basebackup, brought to a moment by the archived log; as the user that PostgreSQL
# runs as. The copy becomes the new database: keep another.
# usage: restore.sh <folder of PostgreSQL's programs> <copy> <archived log> <moment> <port>
set -eu
bin=$1 copy=$2 log=$3 moment=$4 port=$5

cat >> "$copy/postgresql.auto.conf" <<END
restore_command = 'cp $log/%f %p'
recovery_target_time = '$moment'
recovery_target_action = 'promote'
archive_mode = off
port = $port
END
touch "$copy/recovery.signal"
chmod 700 "$copy"
"$bin/pg_ctl" -D "$copy" -w -t 3600 -l "$copy/restore.log" start
