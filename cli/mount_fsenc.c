/* mount.fsenc - what mount(8) calls for `mount -t fsenc SHARE DIR -o OPTIONS` and fstab.
 *
 * Becomes `fsenc mount [-o OPTIONS] -- SHARE DIR`, as whoever calls it: from fstab that is root, whose
 * keyring is then used unless the options say keyring= and passfile=. The fsenc beside this program
 * is taken, else the one in PATH.
 */
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 64

struct words {
	const char *list[WORDS_MAX + 1]; /* ends with NULL */
	int count;
};

static void add(struct words *words, const char *word)
{
	if (words->count < WORDS_MAX)
		words->list[words->count++] = word;
}

static int usage(void)
{
	(void)fputs("usage: mount.fsenc SHARE DIR [-sfnvN] [-o OPTIONS]\ntry: fsenc help mount\n", stderr);
	return 2;
}

/* mount(8) puts SHARE and DIR first; its single letters mean nothing to a FUSE mount, except
 * -f: fake, do everything but mount. */
static int translate(int argc, char **argv, struct words *words, int *ret_fake)
{
	int letter;

	add(words, "fsenc");
	add(words, "mount");
	while ((letter = getopt(argc, argv, "sfnvN:o:t:")) != -1) {
		if (letter == '?')
			return usage();
		if (letter == 'f')
			*ret_fake = 1;
		if (letter == 'v')
			add(words, "--verbose");
		if (letter == 'o') {
			add(words, "-o");
			add(words, optarg);
		}
	}
	if (argc - optind != 2)
		return usage();
	add(words, "--");
	add(words, argv[optind]);
	add(words, argv[optind + 1]);
	return 0;
}

static void become(const struct words *words)
{
	char self[PATH_MAX], beside[PATH_MAX + 8];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length > 0) {
		self[length] = '\0';
		(void)snprintf(beside, sizeof(beside), "%s/fsenc", dirname(self));
		(void)execv(beside, (char *const *)words->list);
	}
	(void)execvp("fsenc", (char *const *)words->list);
}

int main(int argc, char **argv)
{
	struct words words = {.count = 0};
	int fake = 0;
	int status = translate(argc, argv, &words, &fake);

	if (status || fake)
		return status;
	become(&words);
	perror("mount.fsenc: cannot start fsenc");
	return 1;
}
