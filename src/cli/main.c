/* main.c - entry point of `vdifault`. */
#include "verbs.h"

int main(int argc, char **argv)
{
    return vdifault_main(argc, argv);
}
