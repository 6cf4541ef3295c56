/* verbs.h - the whole command as a function, so that tests can call it. */
#ifndef VDIFAULT_VERBS_H
#define VDIFAULT_VERBS_H

int vdifault_main(int argc, char **argv); /* returns an exit status (cli.h) */

#endif
