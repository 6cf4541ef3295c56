/* assert.h - what <assert.h> is in coverage builds (cmake/Targets.cmake), in C: checks as the system's does.
 *
 * The system's assert is a conditional expression one branch of which nothing ever takes, and llvm-cov gives the line
 * that branch's count, 0. Here it is a call. The conditions inside are no branches of the program either: llvm-cov
 * leaves out what stands in a system header's macro. */
#pragma GCC system_header
#include_next <assert.h>
#undef assert
#define assert(condition) coverage_assert((condition), #condition, __FILE__, __LINE__, __func__)

#ifndef VDIFAULT_COVERAGE_ASSERT
#define VDIFAULT_COVERAGE_ASSERT

static inline void coverage_assert(_Bool holds, const char *condition, const char *file, unsigned int line,
                                   const char *function)
{
    if (!holds) {
        __assert_fail(condition, file, line, function);
    }
}

#endif
