// What is used of the OpenMP that oneDNN runs on. Declared here because omp.h and `#pragma omp` belong to the
// compiler, and its OpenMP need not be that one (cmake/dependencies.cmake).
#ifndef QRUN_KERNELS_ONEDNN_OPENMP_H_
#define QRUN_KERNELS_ONEDNN_OPENMP_H_

// How many threads oneDNN takes for what the calling thread asks of it. OpenMP 5.0, section 3.2.1.
// Precondition: threads >= 1.
extern "C" void omp_set_num_threads(int threads);

// Calls function(data) on `threads` threads, the caller among them, and returns when all calls have. What GCC
// makes of `#pragma omp parallel` (libgomp's manual, "Implementing PARALLEL construct").
extern "C" void GOMP_parallel(void (*function)(void*), void* data, unsigned threads, unsigned flags);

#endif  // QRUN_KERNELS_ONEDNN_OPENMP_H_
