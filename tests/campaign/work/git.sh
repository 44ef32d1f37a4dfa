# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# needs: git
# git: init, add, commit, merge, gc, clone of a tree of 2,000 files. The index holds inode numbers and times, which vary.
# leaves-out: */.git/index
# leaves-out: */.git/*/info/commit-graphs/*
set -e
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000' HOME=$PWD
git config --global user.name Somebody
git config --global user.email somebody@example.org
git config --global init.defaultBranch main
git config --global pack.threads 1
cp -r "$INPUTS/tree" tree
cd tree
git init
git add .
git commit -q -m 'Add the tree'
git checkout -q -b other
for file in folder1/*; do echo more >>"$file"; done
git commit -q -a -m 'Change a folder'
git checkout -q main
git merge -q --no-edit other
git gc -q
git fsck
git log --stat --oneline | tail -n 5
cd ..
git clone -q --no-local tree copy 2>&1
diff -r --exclude=.git tree copy
git -C copy log --format='%H %s'
git -C copy grep -c more | wc -l
