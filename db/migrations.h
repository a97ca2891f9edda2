// The scripts that make the tables, one for each version of the schema.

#ifndef BITBUDGET_DB_MIGRATIONS_H_
#define BITBUDGET_DB_MIGRATIONS_H_

#include <span>

namespace bitbudget::db {

// The script at index i leads from version i to i + 1. Scripts are never
// changed once released; a change of the schema is a new one at the end.
std::span<const char* const> Migrations();

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_MIGRATIONS_H_
