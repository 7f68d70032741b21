/* SPDX-License-Identifier: GPL-2.0 */
/* As the kernel's, for a test program: nobody speculates. */
#ifndef FAKE_NOSPEC_H
#define FAKE_NOSPEC_H

#define array_index_nospec(index, size)	((index) < (size) ? (index) : 0)

#endif /* FAKE_NOSPEC_H */
