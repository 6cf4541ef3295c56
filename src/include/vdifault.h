/* vdifault.h - your VDI client inside vdifault's simulation: to be fuzzed there, and to see again what was found.
 *
 *   1. Write vdifault_client(): it does what your main() does, with its files below `folder`, and returns what main()
 *      would. Your own main() stays out of this program.
 *   2. Build it:   find_package(vdifault)
 *                  vdifault_client_fuzzer(my_fuzzer ENGINE libfuzzer SOURCES entry.c backup.c)
 *   3. Fuzz:       ./my_fuzzer -max_len=208 -len_control=0
 *                  a crash is a bug: the rule, the place, and the calls are printed
 *   4. Again:      vdifault minimize --client ./my_fuzzer_replay --output smallest.plan --to-c test.c crash-...
 * The client is called again and again in one process: state that outlives the call (statics, open files) is yours to
 * reset. docs/fuzz-clients.md says what popen, exit, fsync, threads, clocks and fork do meanwhile.
 */
#ifndef VDIFAULT_H
#define VDIFAULT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Yours. `folder` exists, is empty, and is emptied afterwards. */
int vdifault_client(const char *folder);

/* One session of vdifault_client() under a plan ("fault abort@Write#2\nserver seed 7\n", as `vdifault run --plan` takes
 * it). Returns the number of findings that are errors among the rules, 0: none, or -1: the plan is none. `text`: the worst
 * one, "VDI-OUT-001 Close: ...", or what is wrong with the plan; "" otherwise. Not from several threads. */
__attribute__((visibility("default"))) int vdifault_session(const char *plan, char *text, size_t size);

/* The main function of NAME_replay; --help says what it does. */
__attribute__((visibility("default"))) int vdifault_client_main(int argc, char **argv);

#ifdef __cplusplus
}
#endif

#endif
