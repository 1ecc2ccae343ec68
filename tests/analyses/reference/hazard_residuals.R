# Stores R's residuals of the Cox model of participants.csv in hazard_residuals.json.
# Run from this folder: Rscript hazard_residuals.R
# Needs survival (Debian: r-cran-survival).
suppressPackageStartupMessages(library(survival))
people <- read.csv("participants.csv")
people$armx <- factor(people$arm, levels = c("C", "A", "B"))
cox <- coxph(Surv(time, status) ~ armx + severity, people, ties = "efron",
             control = coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 50))
numbers <- function(x) paste0("[", paste(formatC(x, digits = 15, format = "g"), collapse = ", "), "]")
rows <- function(x) paste0("[", paste(apply(unname(x), 1, numbers), collapse = ",\n"), "]")
robust <- crossprod(residuals(cox, "dfbeta"))
writeLines(paste0(
  "{\"versions\": \"", R.version.string, ", survival ", packageVersion("survival"), "\",\n",
  "\"call\": \"coxph(Surv(time, status) ~ armx + severity, ties = 'efron')\",\n",
  "\"martingale\": ", numbers(residuals(cox, "martingale")), ",\n",
  "\"deviance\": ", numbers(residuals(cox, "deviance")), ",\n",
  "\"score\": ", rows(residuals(cox, "score")), ",\n",
  "\"dfbeta\": ", rows(residuals(cox, "dfbeta")), ",\n",
  "\"robust\": ", rows(robust), "}"), "hazard_residuals.json")
