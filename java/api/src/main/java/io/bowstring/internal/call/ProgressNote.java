package io.bowstring.internal.call;

/**
 * How far a bar is.
 *
 * @param pid process of the worker; 0: this one
 * @param name what the worker is, for people; empty: this process
 * @param bar names the bar among the process's; 0: all of them
 * @param description what is counted
 * @param unit what it counts in; empty: things
 * @param total how many there are; 0: unknown
 * @param done how many are done
 * @param over whether nothing follows
 */
public record ProgressNote(
        long pid, String name, long bar, String description, String unit, long total, long done, boolean over) {
    /** As a line for people. */
    public String line() {
        String who = pid == 0 ? "" : "(" + name + " pid=" + pid + ") ";
        String title = (who + description).isEmpty() ? "progress" : who + description;
        return title + ": " + done + (total == 0 ? "" : "/" + total) + (unit.isEmpty() ? "" : " " + unit)
                + (total == 0 ? "" : " (" + 100 * done / total + " %)") + (over ? ", over" : "");
    }
}
