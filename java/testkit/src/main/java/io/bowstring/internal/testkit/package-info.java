/** How the testkit runs tasks and actors. */
@NullMarked
package io.bowstring.internal.testkit;

import org.jspecify.annotations.NullMarked;
