package io.bowstring.internal.call;

/**
 * One condition of a question about the runtime's state.
 *
 * @param field name of the rows' field
 * @param op how it compares: a FilterOp of spec section 8.1
 * @param value with what, as text
 */
public record StateFilter(String field, int op, String value) {}
