# SPDX-License-Identifier: MIT
# text.cmake - the unit tests of rendering, alone: its own sources, and readers that are made up
#
# Included by tests/CMakeLists.txt.

set(smx_text_dir ${PROJECT_SOURCE_DIR}/lib/text)
set(smx_text_sources
  buffer.c number.c table.c words.c text004.c openmetrics.c openmetrics2.c composite.c
  wire.c pairs.c spans.c protobuf.c protobuf_native.c negotiate.c
  escape.c identity.c spelling.c infolabels.c
  choice.c tally.c writers.c merge.c combine.c render.c exposition.c emit.c)
list(TRANSFORM smx_text_sources PREPEND ${smx_text_dir}/)
find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)

add_library(smx_text STATIC ${smx_text_sources} ${CMAKE_CURRENT_LIST_DIR}/fake_reader.c)
target_include_directories(smx_text
  PUBLIC ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/lib ${CMAKE_CURRENT_LIST_DIR}
  PRIVATE ${XXHASH_INCLUDE_DIR})
target_link_libraries(smx_text PUBLIC smx_flags m)

add_library(smx_exposed STATIC ${CMAKE_CURRENT_LIST_DIR}/exposed.c)
target_link_libraries(smx_exposed PUBLIC smx_text criterion)

foreach(name number wire text004 openmetrics openmetrics2 protobuf native_exposition negotiate escape spelling
    exposition merging no_memory hidden)
  add_executable(test_${name} ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c)
  target_link_libraries(test_${name} PRIVATE smx_exposed)
  add_test(NAME unit.${name} COMMAND test_${name})
endforeach()
foreach(name protobuf native_exposition)
  target_sources(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/message_text.c)
  target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support)
endforeach()
# The tests of failing allocations stand in for malloc and its kin in rendering, and nowhere else.
target_link_options(test_no_memory PRIVATE -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc)

# Random readers, hostile ones among them: whatever they hold, the strict checker and promtool accept it.
add_executable(print_exposition ${CMAKE_CURRENT_LIST_DIR}/print_exposition.c)
target_link_libraries(print_exposition PRIVATE smx_text)
add_test(NAME unit.random_expositions
  COMMAND Python3::Interpreter ${CMAKE_CURRENT_LIST_DIR}/check_expositions.py $<TARGET_FILE:print_exposition>)

# The other half of the property tests of tests/judges.
add_executable(render_given ${CMAKE_CURRENT_LIST_DIR}/render_given.c)
target_link_libraries(render_given PRIVATE smx_text)

# A locale with a decimal comma, where the system can make one, for the tests that want it.
find_program(LOCALEDEF_PROGRAM localedef)
if(LOCALEDEF_PROGRAM)
  set(locale_dir ${CMAKE_CURRENT_BINARY_DIR}/locales)
  if(NOT EXISTS ${locale_dir}/de_DE.UTF-8)
    file(MAKE_DIRECTORY ${locale_dir})
    execute_process(COMMAND ${LOCALEDEF_PROGRAM} -i de_DE -f UTF-8 ${locale_dir}/de_DE.UTF-8
      OUTPUT_QUIET ERROR_QUIET)
  endif()
  set_tests_properties(unit.number PROPERTIES ENVIRONMENT LOCPATH=${locale_dir})
endif()
