/* static_client.c - a program that loads no library. */
int main(void)
{
    return 0;
}
