# How every target of the project is built, and shorthands for its kinds.

add_library(bitbudget_flags INTERFACE)
target_compile_options(bitbudget_flags INTERFACE
                       -Wall -Wextra -Werror -Wno-missing-field-initializers)
# GCC 12 sees overlapping copies in std::string concatenation where there are none
# (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(bitbudget_flags INTERFACE -Wno-restrict)
endif()
target_include_directories(bitbudget_flags INTERFACE ${CMAKE_SOURCE_DIR})

if(BITBUDGET_SANITIZE)
  add_compile_options(-fsanitize=${BITBUDGET_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${BITBUDGET_SANITIZE})
  if(BITBUDGET_SANITIZE STREQUAL "thread")
    # Protobuf's headers give map fields another layout where they see this macro, and
    # Debian's library has not seen it. libstdc++ goes by its own name for the same.
    add_compile_options(-U__SANITIZE_THREAD__ -D_GLIBCXX_TSAN=1)
  endif()
endif()

# Generated code is never hot, and it is much of a cold build. Checks of undefined
# behaviour would double its time to compile, and it is not ours to check.
set(bitbudget_generated_options -O1 -g0)
if(BITBUDGET_SANITIZE MATCHES "undefined")
  list(APPEND bitbudget_generated_options -fno-sanitize=undefined)
endif()

# Faster linking and rebuilding where the tools are present.
find_program(BITBUDGET_CCACHE ccache)
if(BITBUDGET_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${BITBUDGET_CCACHE})
endif()
find_program(BITBUDGET_MOLD mold)
if(BITBUDGET_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# bitbudget_library(NAME SOURCES... DEPS targets...): the library of one folder.
function(bitbudget_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_DEPS} PRIVATE bitbudget_flags)
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
endfunction()

# bitbudget_program(NAME SOURCES... DEPS targets...): an executable.
function(bitbudget_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE bitbudget_flags ${ARG_DEPS})
endfunction()

# bitbudget_python_tests(PREFIX TIMEOUT seconds ENVIRONMENT settings...): every NAME_test.py
# of the current folder, known to ctest as PREFIX.NAME.
function(bitbudget_python_tests prefix)
  cmake_parse_arguments(ARG "" "TIMEOUT" "ENVIRONMENT" ${ARGN})
  file(GLOB files CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} *_test.py)
  foreach(file IN LISTS files)
    string(REPLACE "_test.py" "" name ${file})
    add_test(NAME ${prefix}.${name}
             COMMAND ${BITBUDGET_PYTHON} -B ${file}
             WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    set_tests_properties(${prefix}.${name} PROPERTIES LABELS fast TIMEOUT ${ARG_TIMEOUT}
                         ENVIRONMENT "${ARG_ENVIRONMENT}")
  endforeach()
endfunction()

# bitbudget_tests(NAME DEPS targets... [LABELS labels...]): all *_test.cc of the
# current folder as one program, each test known to ctest by its own name. Files
# are found, not listed, so that none can be forgotten.
function(bitbudget_tests name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "DEPS;LABELS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cc)
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE bitbudget_flags ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS fast)
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60
                       PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
endfunction()
