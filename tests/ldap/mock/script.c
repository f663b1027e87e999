#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/ldap/mock/parts.h"

void mock_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)fputs("mock LDAP server: ", stderr);
	(void)vfprintf(stderr, format, arguments);
	(void)fputs("\n", stderr);
	va_end(arguments);
	abort();
}

void *mock_room(void *array, size_t count, size_t size)
{
	if (count & (count - 1) && count)
		return array;
	void *more = realloc(array, (count ? 2 * count : 1) * size);
	if (!more)
		mock_fail("no memory");
	return more;
}

static char *copy(const char *text, size_t size)
{
	char *made = strndup(text, size);

	if (!made)
		mock_fail("no memory");
	return made;
}

/* -- entries ----------------------------------------------------------------------- */

static int base64_value(char letter)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = letter ? strchr(letters, letter) : NULL;

	return at ? (int)(at - letters) : -1;
}

static struct berval from_base64(const char *text, size_t size)
{
	struct berval value = {.bv_val = copy(text, size)};
	unsigned bits = 0;
	unsigned held = 0;

	for (size_t i = 0; i < size && text[i] != '='; i++) {
		int six = base64_value(text[i]);
		if (six < 0)
			mock_fail("'%.*s' is no base64", (int)size, text);
		bits = bits << 6 | (unsigned)six;
		held += 6;
		if (held >= 8) {
			held -= 8;
			value.bv_val[value.bv_len++] = (char)(bits >> held);
		}
	}
	return value;
}

static struct berval from_hex(const char *text, size_t size)
{
	struct berval value = {.bv_val = copy(text, size)};

	for (size_t i = 0; i + 1 < size; i += 2) {
		char pair[3] = {text[i], text[i + 1], 0};
		char *end;
		value.bv_val[value.bv_len++] = (char)strtol(pair, &end, 16);
		if (*end)
			mock_fail("'%.*s' is no hex", (int)size, text);
		while (i + 2 < size && text[i + 2] == ' ')
			i++;
	}
	return value;
}

const struct mock_attribute *mock_find(const struct mock_entry *entry, const char *name)
{
	for (size_t i = 0; i < entry->count; i++)
		if (!strcasecmp(entry->attributes[i].name, name))
			return &entry->attributes[i];
	return NULL;
}

static void add_value(struct mock_entry *entry, const char *name, size_t name_size, struct berval value)
{
	struct mock_attribute *attribute = NULL;

	for (size_t i = 0; i < entry->count && !attribute; i++)
		if (strlen(entry->attributes[i].name) == name_size &&
		    !strncasecmp(entry->attributes[i].name, name, name_size))
			attribute = &entry->attributes[i];
	if (!attribute) {
		entry->attributes = mock_room(entry->attributes, entry->count, sizeof *entry->attributes);
		attribute = &entry->attributes[entry->count++];
		*attribute = (struct mock_attribute){.name = copy(name, name_size)};
	}
	attribute->values = mock_room(attribute->values, attribute->count, sizeof *attribute->values);
	attribute->values[attribute->count++] = value;
}

static void add_line(struct mock_entry *entry, const char *line, size_t size)
{
	const char *colon = memchr(line, ':', size);

	if (!colon)
		mock_fail("'%.*s' is no line of LDIF", (int)size, line);
	const char *value = colon + 1;
	char kind = *value == ':' || *value == 'x' ? *value++ : ' ';
	while (value < line + size && *value == ' ')
		value++;
	size_t value_size = (size_t)(line + size - value);
	struct berval bytes = kind == ':'   ? from_base64(value, value_size)
			      : kind == 'x' ? from_hex(value, value_size)
					    : (struct berval){value_size, copy(value, value_size)};
	add_value(entry, line, (size_t)(colon - line), bytes);
}

static void entry_done(struct mock_entry *entry)
{
	for (size_t i = 0; i < entry->count; i++) {
		for (size_t j = 0; j < entry->attributes[i].count; j++)
			free(entry->attributes[i].values[j].bv_val);
		free(entry->attributes[i].values);
		free(entry->attributes[i].name);
	}
	free(entry->attributes);
	free(entry->dn);
}

/* An entry of the same DN takes the place of one of the `older`. */
static struct mock_entry *new_entry(struct mock_world *world, size_t older, const char *dn, size_t size)
{
	struct mock_entry *entry = NULL;

	while (size && *dn == ' ') {
		dn++;
		size--;
	}
	for (size_t i = 0; i < older && !entry; i++)
		if (strlen(world->entries[i].dn) == size && !strncasecmp(world->entries[i].dn, dn, size))
			entry = &world->entries[i];
	if (entry) {
		entry_done(entry);
	} else {
		world->entries = mock_room(world->entries, world->entry_count, sizeof *world->entries);
		entry = &world->entries[world->entry_count++];
	}
	*entry = (struct mock_entry){.dn = copy(dn, size)};
	return entry;
}

/* -- rules ------------------------------------------------------------------------- */

static const char *const events[] = {[MOCK_CONNECT] = "connect",
				     [MOCK_STARTTLS] = "starttls",
				     [MOCK_BIND] = "bind",
				     [MOCK_SEARCH] = "search",
				     [MOCK_UNBIND] = "unbind"};
static const char *const actions[] = {
	[MOCK_MUTE] = "mute",		[MOCK_CLOSE] = "close",	    [MOCK_RESET] = "reset",
	[MOCK_HALF] = "half",		[MOCK_DELAY] = "delay",	    [MOCK_DRIP] = "drip",
	[MOCK_RESULT] = "result",	[MOCK_GARBAGE] = "garbage", [MOCK_REFERRAL] = "referral",
	[MOCK_REFERENCE] = "reference", [MOCK_CUT] = "cut",	    [MOCK_COOKIE] = "cookie",
	[MOCK_COOKIES] = "cookies",	[MOCK_AS_IF] = "as-if",	    [MOCK_ACCEPT] = "accept",
	[MOCK_BARE_PAGE] = "bare-page"};

static unsigned word_of(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (word && words[i] && !strcmp(words[i], word))
			return (unsigned)i;
	mock_fail("the script says '%s'", word ? word : "nothing");
}

static char *next_word(char **rest)
{
	char *word = strtok_r(NULL, " ", rest);

	if (!word)
		mock_fail("a rule is cut short");
	return word;
}

/* `line` is cut to pieces. */
static void add_rule(struct mock_world *world, char *line)
{
	struct mock_rule rule = {.times = -1};
	char *rest = NULL;
	char *word = strtok_r(line, " ", &rest); /* "on" */

	rule.event = (enum mock_event)word_of(next_word(&rest), events, sizeof events / sizeof *events);
	word = next_word(&rest);
	if (!strcmp(word, "if")) {
		word = next_word(&rest);
		rule.text = copy(word, strlen(word));
		word = next_word(&rest);
	}
	if (strcmp(word, "do")) {
		rule.times = atoi(word);
		(void)next_word(&rest); /* "times" */
		(void)next_word(&rest); /* "do" */
	}
	rule.action = (enum mock_action)word_of(next_word(&rest), actions, sizeof actions / sizeof *actions);
	while (rest && *rest == ' ')
		rest++;
	rule.words = copy(rest ? rest : "", rest ? strlen(rest) : 0);
	rule.number = atol(rule.words);
	world->rules = mock_room(world->rules, world->rule_count, sizeof *world->rules);
	world->rules[world->rule_count++] = rule;
}

static void forget_rules(struct mock_world *world)
{
	for (size_t i = 0; i < world->rule_count; i++) {
		free(world->rules[i].text);
		free(world->rules[i].words);
	}
	free(world->rules);
	world->rules = NULL;
	world->rule_count = 0;
}

static void forget_entries(struct mock_world *world)
{
	for (size_t i = 0; i < world->entry_count; i++)
		entry_done(&world->entries[i]);
	free(world->entries);
	world->entries = NULL;
	world->entry_count = 0;
}

void mock_world_done(struct mock_world *world)
{
	forget_rules(world);
	forget_entries(world);
	free(world->constructed);
}

/* -- settings ---------------------------------------------------------------------- */

static void set_range(struct mock_world *world, char *rest)
{
	world->step_count = 0;
	for (char *word = strtok_r(NULL, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		if (world->step_count < MOCK_STEPS_MAX)
			world->steps[world->step_count++] = (size_t)atol(word);
}

static void set(struct mock_world *world, char *line)
{
	char *rest = NULL;
	const char *word = strtok_r(line, " ", &rest); /* "set" */

	word = next_word(&rest);
	if (!strcmp(word, "range")) {
		set_range(world, rest);
	} else if (!strcmp(word, "empty-last-range")) {
		world->empty_last_range = true;
	} else if (!strcmp(word, "limit")) {
		world->limit = (size_t)atol(next_word(&rest));
	} else if (!strcmp(word, "chain")) {
		world->chain = true;
	} else if (!strcmp(word, "constructed")) {
		free(world->constructed);
		word = next_word(&rest);
		world->constructed = copy(word, strlen(word));
	} else {
		mock_fail("nothing is called '%s'", word);
	}
}

/* -- lines ------------------------------------------------------------------------- */

static bool starts(const char *line, size_t size, const char *word)
{
	return size >= strlen(word) && !strncmp(line, word, strlen(word));
}

static void do_order(struct mock_world *world, const char *line, size_t size)
{
	char *order = copy(line, size);

	if (!strncmp(order, "on ", 3))
		add_rule(world, order);
	else if (!strncmp(order, "set ", 4))
		set(world, order);
	else if (!strcmp(order, "forget rules"))
		forget_rules(world);
	else if (!strcmp(order, "forget entries"))
		forget_entries(world);
	else
		mock_fail("the script says '%s'", order);
	free(order);
}

void mock_read_script(struct mock_world *world, const char *script)
{
	struct mock_entry *entry = NULL;
	size_t older = world->entry_count;

	while (*script) {
		size_t size = strcspn(script, "\n");
		if (size == 0)
			entry = NULL;
		else if (entry)
			add_line(entry, script, size);
		else if (starts(script, size, "dn:"))
			entry = new_entry(world, older, script + 3, size - 3);
		else if (*script != '#')
			do_order(world, script, size);
		if (older > world->entry_count)
			older = world->entry_count;
		script += size + (script[size] == '\n');
	}
}
