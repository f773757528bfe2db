/** One exception class for each error code of the spec (chapter 7), all below {@code BowstringException}. */
@NullMarked
package io.bowstring.errors;

import org.jspecify.annotations.NullMarked;
