// What is used of OpenMP: how many threads oneDNN takes for what the calling thread asks of it. Declared here
// because omp.h belongs to the compiler, and its OpenMP need not be the one that oneDNN runs on
// (cmake/dependencies.cmake).
#ifndef QRUN_KERNELS_ONEDNN_OPENMP_H_
#define QRUN_KERNELS_ONEDNN_OPENMP_H_

// OpenMP 5.0, section 3.2.1. Precondition: threads >= 1.
extern "C" void omp_set_num_threads(int threads);

#endif  // QRUN_KERNELS_ONEDNN_OPENMP_H_
