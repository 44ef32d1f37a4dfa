# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the workloads of the campaign work on, the same bytes each time: make_inputs DIRECTORY.

# A C file of 5,000 lines and more: functions, tables, strings, a main that calls them all and prints one number.
make_c_file() {
	local i
	echo '#include <stdio.h>'
	echo '#include <string.h>'
	for ((i = 0; i < 500; i++)); do
		cat <<END
struct record_$i {
	int key, value[$((i % 7 + 1))];
	const char *name;
};
static const struct record_$i table_$i = { $i, { $((i * 31 % 97)) }, "record number $i" };
static int function_$i(int seed)
{
	int sum = seed + table_$i.key + (int)strlen(table_$i.name);
	for (int i = 0; i < $((i % 13 + 3)); i++)
		sum = sum * $((i % 5 + 2)) ^ table_$i.value[i % $((i % 7 + 1))];
	return sum;
}
END
	done
	echo 'int main(void)'
	echo '{'
	echo '	int sum = 1;'
	for ((i = 0; i < 500; i++)); do echo "	sum += function_$i(sum);"; done
	printf '\tprintf("%%d\\n", sum);\n'
	echo '	return 0;'
	echo '}'
}

# 2,000 small text files in 40 folders.
make_tree() {
	local i folder
	for ((i = 0; i < 2000; i++)); do
		folder=$1/folder$((i % 40))
		((i >= 40)) || mkdir -p "$folder"
		printf 'file %d\nline %d\nline %d\n' $i $((i * 7919 % 1009)) $((i % 100)) >"$folder/file$i.txt"
	done
	find "$1" -exec touch -d @1700000000 {} +
}

make_inputs() {
	mkdir "$1" && make_c_file >"$1/large.c" && make_tree "$1/tree" || return
	awk 'BEGIN { srand(1); for (i = 0; i < 300000; i++) 
		print int(rand() * 1e9), "word" int(rand() * 5000), i }' >"$1/lines"
	awk 'BEGIN { srand(2); print "begin;"; print "create table t(a integer primary key, b text, c real);"
		for (i = 0; i < 20000; i++)
			printf "insert into t values(%d, \"text %d\", %f);\n", i, rand() * 1e6, rand()
		print "commit;" }' | tr '"' "'" >"$1/insert.sql"
	chmod -R a+rX "$1"
}
