/* main.c - of a client fuzzer without an engine. Compiled with the client: a library would not be asked for it where the
 * client has a main function, too. */
#include <vdifault.h>

int main(int argc, char **argv)
{
    return vdifault_client_main(argc, argv);
}
