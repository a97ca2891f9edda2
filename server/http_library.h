// cpp-httplib, without the macro that it brings in and that an enumerator of ours is
// called by (FitStatus.State).

#ifndef BITBUDGET_SERVER_HTTP_LIBRARY_H_
#define BITBUDGET_SERVER_HTTP_LIBRARY_H_

#include <httplib.h>

#undef NO_DATA  // of netdb.h

#endif  // BITBUDGET_SERVER_HTTP_LIBRARY_H_
