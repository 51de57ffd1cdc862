/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's side of QMP: commands and events; and what tests do by them: reset,
 * properties (QOM), migration.
 */
#include "qtest_client_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* The next message of QMP, event or reply. */
static JsonNode *qmp_receive(QtestClient *q)
{
	char *line = line_socket_receive(&q->qmp);
	GError *error = NULL;
	JsonNode *node = json_from_string(line, &error);

	if (error || !node || !JSON_NODE_HOLDS_OBJECT(node))
		g_error("qmp: not an object: %s", line);
	g_free(line);
	return node;
}

/* Keep an event's name; false where the message is a reply. */
static bool qmp_keep_event(QtestClient *q, JsonNode *message)
{
	JsonObject *object = json_node_get_object(message);

	if (!json_object_has_member(object, "event"))
		return false;
	g_queue_push_tail(&q->events, g_strdup(json_object_get_string_member(object, "event")));
	return true;
}

static JsonNode *qmp_execute(QtestClient *q, const char *command, const char *format, va_list args)
{
	char *line;

	if (format) {
		char *arguments = g_strdup_vprintf(format, args);

		line = g_strdup_printf("{\"execute\":\"%s\",\"arguments\":%s}\n", command,
				       arguments);
		g_free(arguments);
	} else {
		line = g_strdup_printf("{\"execute\":\"%s\"}\n", command);
	}
	line_socket_send(&q->qmp, line);
	g_free(line);

	for (;;) {
		JsonNode *message = qmp_receive(q);

		if (!qmp_keep_event(q, message))
			return message;
		json_node_unref(message);
	}
}

JsonNode *qtest_qmp_reply(QtestClient *q, const char *command, const char *format, ...)
{
	JsonNode *reply;
	va_list args;

	va_start(args, format);
	reply = qmp_execute(q, command, format, args);
	va_end(args);
	return reply;
}

JsonNode *qtest_qmp(QtestClient *q, const char *command, const char *format, ...)
{
	JsonNode *reply, *result;
	JsonObject *object;
	va_list args;

	va_start(args, format);
	reply = qmp_execute(q, command, format, args);
	va_end(args);
	object = json_node_get_object(reply);
	if (!json_object_has_member(object, "return"))
		g_error("qmp: %s: %s", command, json_to_string(reply, FALSE));
	result = json_object_dup_member(object, "return");
	json_node_unref(reply);
	return result;
}

char *qtest_qmp_fails(QtestClient *q, const char *command, const char *format, ...)
{
	JsonObject *object;
	JsonNode *reply;
	va_list args;
	char *text;

	va_start(args, format);
	reply = qmp_execute(q, command, format, args);
	va_end(args);
	object = json_node_get_object(reply);
	if (!json_object_has_member(object, "error"))
		g_error("qmp: %s should fail: %s", command, json_to_string(reply, FALSE));
	object = json_object_get_object_member(object, "error");
	text = g_strdup(json_object_get_string_member(object, "desc"));
	json_node_unref(reply);
	return text;
}

void qtest_wait_event(QtestClient *q, const char *name)
{
	for (;;) {
		char *event = g_queue_pop_head(&q->events);
		bool found = event && strcmp(event, name) == 0;
		JsonNode *message;

		if (found || event) {
			g_free(event);
			if (found)
				return;
			continue;
		}
		message = qmp_receive(q);
		g_assert_true(qmp_keep_event(q, message));
		json_node_unref(message);
	}
}

void qtest_reset(QtestClient *q)
{
	json_node_unref(qtest_qmp(q, "system_reset", NULL));
	qtest_wait_event(q, "RESET");
}

static char *qom_path(const char *path)
{
	return *path == '/' ? g_strdup(path) : g_strdup_printf("/machine/peripheral/%s", path);
}

static JsonNode *qom_get(QtestClient *q, const char *path, const char *property)
{
	char *full = qom_path(path);
	JsonNode *value = qtest_qmp(q, "qom-get", "{\"path\":\"%s\",\"property\":\"%s\"}", full,
				    property);

	g_free(full);
	return value;
}

static void qom_set(QtestClient *q, const char *path, const char *property, const char *value)
{
	char *full = qom_path(path);

	json_node_unref(qtest_qmp(q, "qom-set",
				  "{\"path\":\"%s\",\"property\":\"%s\",\"value\":%s}", full,
				  property, value));
	g_free(full);
}

uint64_t qtest_qom_get_uint(QtestClient *q, const char *path, const char *property)
{
	JsonNode *node = qom_get(q, path, property);
	uint64_t value = (uint64_t)json_node_get_int(node);

	json_node_unref(node);
	return value;
}

bool qtest_qom_get_bool(QtestClient *q, const char *path, const char *property)
{
	JsonNode *node = qom_get(q, path, property);
	bool value = json_node_get_boolean(node);

	json_node_unref(node);
	return value;
}

void qtest_qom_set_uint(QtestClient *q, const char *path, const char *property, uint64_t value)
{
	char text[32];

	g_snprintf(text, sizeof(text), "%" PRIu64, value);
	qom_set(q, path, property, text);
}

void qtest_qom_set_bool(QtestClient *q, const char *path, const char *property, bool value)
{
	qom_set(q, path, property, value ? "true" : "false");
}

void qtest_qom_set_str(QtestClient *q, const char *path, const char *property, const char *value)
{
	char *text = g_strdup_printf("\"%s\"", value);

	qom_set(q, path, property, text);
	g_free(text);
}

void qtest_save(QtestClient *q, const char *file)
{
	const gint64 end = g_get_monotonic_time() + ANSWER_TIMEOUT_S * G_TIME_SPAN_SECOND;

	json_node_unref(qtest_qmp(q, "migrate", "{\"uri\":\"file:%s\"}", file));
	for (;;) {
		JsonNode *node = qtest_qmp(q, "query-migrate", NULL);
		JsonObject *object = json_node_get_object(node);
		const char *status = json_object_get_string_member(object, "status");
		bool done = strcmp(status, "completed") == 0;

		if (strcmp(status, "failed") == 0)
			g_error("migration failed: %s", json_to_string(node, FALSE));
		json_node_unref(node);
		if (done)
			return;
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		g_usleep(1000);
	}
}

void qtest_wait_running(QtestClient *q)
{
	const gint64 end = g_get_monotonic_time() + ANSWER_TIMEOUT_S * G_TIME_SPAN_SECOND;

	for (;;) {
		JsonNode *node = qtest_qmp(q, "query-status", NULL);
		JsonObject *object = json_node_get_object(node);
		bool running = json_object_get_boolean_member(object, "running");

		json_node_unref(node);
		if (running)
			return;
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		g_usleep(1000);
	}
}
