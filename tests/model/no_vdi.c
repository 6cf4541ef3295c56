/* no_vdi.c - a shared library that has nothing to do with VDI. */
__attribute__((visibility("default"))) int no_vdi = 1;
