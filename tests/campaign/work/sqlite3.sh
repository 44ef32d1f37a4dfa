# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# needs: sqlite3
# sqlite3: a database on disk, indexes, joins, sorting, a vacuum, a dump.
# images: exact
set -e
sqlite3 database <"$INPUTS/insert.sql"
sqlite3 database 'create index i on t(b); select count(*), sum(a), round(sum(c), 6) from t;'
sqlite3 database 'select b, count(*) from t group by b order by 2 desc, 1 limit 5; vacuum; pragma integrity_check;'
sqlite3 database 'select x.b, y.c from t x join t y on x.a = y.a + 1 where x.b like "%7" order by y.c limit 3;'
sqlite3 database .dump | sha256sum
