/* main.c - entry point of `vdifault`. */
#include <signal.h>

#include "verbs.h"

int main(int argc, char **argv)
{
    signal(SIGXFSZ, SIG_IGN); /* under a limit on file sizes we say what could not be written */
    return vdifault_main(argc, argv);
}
