/** Protects a web application: a filter for servlets. It needs {@code jakarta.servlet}. */
@NullMarked
package io.licentia.servlet;

import org.jspecify.annotations.NullMarked;
