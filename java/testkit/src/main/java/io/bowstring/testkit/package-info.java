/** A runtime inside the JVM of a test, and its extension of JUnit. */
@NullMarked
package io.bowstring.testkit;

import org.jspecify.annotations.NullMarked;
