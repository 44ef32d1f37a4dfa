/* SPDX-License-Identifier: MIT */
/* What killed a process, as JSON. */
#include <sys/mman.h>

#include "death.h"
#include "report_json.h"

static json_t *place(const struct capture_place *place)
{
	const char access[] = {
		place->protection & PROT_READ ? 'r' : '-',
		place->protection & PROT_WRITE ? 'w' : '-',
		place->protection & PROT_EXEC ? 'x' : '-',
		place->protection & CAPTURE_SHARED ? 's' : 'p',
		'\0',
	};
	json_t *object;

	if (place->end <= place->start)
		return json_null();
	object = json_object();
	json_put_figure(object, "start", place->start);
	json_put_figure(object, "end", place->end);
	json_put(object, "access", json_string(access));
	json_put(object, "name", json_text_or_null(place->name));
	return object;
}

json_t *json_invalid_access(const struct subject *subject)
{
	static const char *const kinds[] = {
		[TOUCH_READ] = "read", [TOUCH_WRITE] = "write", [TOUCH_EXECUTE] = "execute"
	};
	const struct capture_invalid_access *a = &subject->capture->invalid_access;
	enum access_finding finding = death_access(subject->image, a);
	bool known = a->state == ACCESS_REFUSED;
	json_t *object;

	if (finding == FINDING_NONE)
		return json_null();
	object = json_object();
	json_put(object, "finding", json_string(finding_keys[finding]));
	json_put_figure(object, "address", known ? a->address : CAPTURE_UNKNOWN);
	json_put(object, "access", known && a->kind != TOUCH_UNKNOWN ? json_string(kinds[a->kind]) : json_null());
	json_put_figure(object, "at_ns", known ? figure_less(a->at_ns, subject->capture->start_ns) : CAPTURE_UNKNOWN);
	json_put_figure(object, "before_end_ns",
			known ? figure_less(subject->image->end_ns, a->at_ns) : CAPTURE_UNKNOWN);
	json_put_figure(object, "faults_after", known ? a->faults_after : CAPTURE_UNKNOWN);
	json_put(object, "mapping", place(&a->at));
	json_put(object, "mapping_below", place(&a->below));
	json_put(object, "mapping_above", place(&a->above));
	json_put_figure(object, "file_offset", known ? a->file_offset : CAPTURE_UNKNOWN);
	json_put_figure(object, "file_bytes", known ? a->file_bytes : CAPTURE_UNKNOWN);
	json_put_figure(object, "instruction", known ? a->instruction : CAPTURE_UNKNOWN);
	json_put(object, "code", json_text_or_null(a->code.name));
	json_put_figure(object, "code_offset", known && a->code.end ? a->code_offset : CAPTURE_UNKNOWN);
	return object;
}

json_t *json_oom(const struct subject *subject)
{
	static const char *const words[] = {
		[OOM_UNKNOWN] = "unknown", [OOM_NOT] = "no", [OOM_PERHAPS] = "perhaps", [OOM_KILLED] = "yes",
	};
	const struct capture_oom *oom = &subject->recording->oom;
	enum oom_word word = death_oom(subject->recording, subject->image);
	json_t *object;

	if (word == OOM_NONE)
		return json_null();
	object = json_object();
	json_put(object, "by_oom_killer", json_string(words[word]));
	json_put_figure(object, "cgroup_kills", oom->watched ? oom->cgroup_kills : CAPTURE_UNKNOWN);
	json_put_figure(object, "machine_kills", oom->watched ? oom->machine_kills : CAPTURE_UNKNOWN);
	json_put(object, "cgroup", json_text_or_null(oom->cgroup));
	json_put_figure(object, "cgroup_limit_bytes", oom->watched ? oom->limit_bytes : CAPTURE_UNKNOWN);
	return object;
}
