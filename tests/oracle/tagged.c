/* SPDX-License-Identifier: MIT */
/* Blocks from one function under names of what the program does, so many under each as the test expects; tagged many: more names than there is room for. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pagegap.h"

__attribute__((noinline)) static void *get(size_t bytes)
{
	void *block = malloc(bytes);

	asm volatile("" : "+r"(block));
	return block;
}

static void *volatile kept;

static void get_many(int count)
{
	for (int i = 0; i < count; i++)
		kept = get(100);
}

static void *worker(void *unused)
{
	get_many(3); /* a new thread has no tag */
	pagegap_tag_push("worker");
	get_many(50);
	pagegap_tag_pop();
	return unused;
}

static void on_signal(int number)
{
	(void)number;
	pagegap_tag_push("handler");
	get_many(4);
	pagegap_tag_pop();
}

static void leave(jmp_buf *back)
{
	pagegap_tag_push("left");
	get_many(6);
	longjmp(*back, 1);
}

static void many(void)
{
	char names[200][16];

	for (int i = 0; i < 200; i++) {
		snprintf(names[i], sizeof(names[i]), "tag %d", i);
		pagegap_tag_push(names[i]);
		get_many(1);
		pagegap_tag_pop();
	}
	for (int i = 0; i < 40; i++)
		pagegap_tag_push(names[i % 20]);
	get_many(11); /* "tag 15", since only 16 are kept */
	for (int i = 0; i < 40; i++)
		pagegap_tag_pop();
	get_many(13);
}

int main(int argc, char **argv)
{
	char name[] = "serve";
	pthread_t thread;
	jmp_buf back;
	pid_t child;

	if (argc > 1 && !strcmp(argv[1], "many")) {
		many();
		return 0;
	}
	pagegap_tag_pop();
	get_many(7);
	pagegap_tag_push("load");
	get_many(100);
	pagegap_tag_push("inner \x1b[31m\xff");
	get_many(20);
	pagegap_tag_pop();
	get_many(1);
	pagegap_tag_pop();
	pagegap_tag_push(name);
	if (pthread_create(&thread, NULL, worker, NULL) || pthread_join(thread, NULL))
		return 1;
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	get_many(30);
	child = fork();
	if (!child) {
		get_many(5); /* still under "serve" */
		pagegap_tag_push("child");
		get_many(9);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	pagegap_tag_pop();
	if (!setjmp(back))
		leave(&back);
	pagegap_tag_pop();
	pagegap_tag_pop();
	get_many(2);
	return 0;
}
