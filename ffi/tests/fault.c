/* A panic in the library that is installed ends at its border. Built with the feature `fault`, which no package has. */

#include <licentia.h>

#include "check.h"

licentia_status licentia_fault_panic(void);

int main(void) {
    CHECK(licentia_fault_panic() == LICENTIA_INTERNAL);
    CHECK(licentia_fault_panic() == LICENTIA_INTERNAL);
    CHECK(strcmp(licentia_status_name(LICENTIA_INTERNAL), "internal") == 0);
    return finish("fault");
}
