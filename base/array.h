/* base/array.h - how many elements an array has. Not for pointers. */
#ifndef FSENC_BASE_ARRAY_H
#define FSENC_BASE_ARRAY_H

#define COUNT(array) (sizeof(array) / sizeof *(array))

#endif
