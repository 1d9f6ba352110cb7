# SPDX-License-Identifier: MIT
# find_package(shmetrics): shmetrics::shmetrics (shared) and shmetrics::shmetrics_static
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/shmetrics-targets.cmake)
