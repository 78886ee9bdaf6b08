/** How Java calls the library. Not part of the API. */
@NullMarked
package io.licentia.internal;

import org.jspecify.annotations.NullMarked;
