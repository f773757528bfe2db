package io.bowstring;

/**
 * One line of an {@link Explanation}.
 *
 * @param depth 0 for what was asked about; what a line waits for follows it, one deeper
 * @param subject id of the task, object, actor or process, in hexadecimal
 * @param name what people call it; empty: it has no name
 * @param reason a word of spec section 8.1, rule 7, as NO_RESOURCES
 * @param text the reason for people
 */
public record Blocker(int depth, String subject, String name, String reason, String text) {
    @Override
    public String toString() {
        return "  ".repeat(depth) + (name.isEmpty() ? subject : name) + " " + text;
    }
}
