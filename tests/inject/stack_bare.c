/* stack_bare.c - compiled without unwind tables: nobody can tell its caller from outside. */
int stack_bare(int (*call)(unsigned), unsigned number);

int stack_bare(int (*call)(unsigned), unsigned number)
{
    int result = call(number);
    __asm__ __volatile__("" : "+r"(result)); /* no tail call */
    return result;
}
