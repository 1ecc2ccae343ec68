# Reference values for the cross-lagged panel model: `Rscript panel.R` in this folder.
library(lavaan)
wide <- function(file) {
  d <- read.csv(file)
  w <- reshape(d, idvar = c("participant", "arm"), timevar = "occasion", direction = "wide")
  names(w) <- sub("alliance\\.", "x", sub("symptoms\\.", "y", names(w)))
  w
}
# The model with T = 4; `eq` names a parameter the same way in each of g groups.
model <- function(g, free = FALSE, held = FALSE) {
  eq <- function(name) if (g == 1) paste0(name, "*") else paste0("c(", paste(rep(name, g), collapse = ","), ")*")
  lines <- c("kx =~ 1*x1 + 1*x2 + 1*x3 + 1*x4", "ky =~ 1*y1 + 1*y2 + 1*y3 + 1*y4",
             paste0("kx ~~ ", eq("vkx"), "kx"),
             paste0("kx ~~ ", eq("ckxy"), "ky"), paste0("ky ~~ ", eq("vky"), "ky"), "kx ~ 0*1", "ky ~ 0*1")
  for (t in 1:4) lines <- c(lines, sprintf("wx%d =~ 1*x%d", t, t), sprintf("wy%d =~ 1*y%d", t, t),
                            sprintf("x%d ~~ 0*x%d", t, t), sprintf("y%d ~~ 0*y%d", t, t),
                            sprintf("x%d ~ 1", t), sprintf("y%d ~ 1", t),
                            sprintf("wx%d ~ 0*1", t), sprintf("wy%d ~ 0*1", t))
  lines <- c(lines, paste0("wx1 ~~ ", eq("v1x"), "wx1"), paste0("wx1 ~~ ", eq("c1"), "wy1"),
             paste0("wy1 ~~ ", eq("v1y"), "wy1"))
  for (t in 2:4) {
    s <- if (free) t else ""
    yx <- if (held) (if (g == 1) "0*" else "c(0,0)*") else eq(paste0("yx", s))
    lines <- c(lines,
      sprintf("wx%d ~ %swx%d + %swy%d", t, eq(paste0("xx", s)), t - 1, yx, t - 1),
      sprintf("wy%d ~ %swx%d + %swy%d", t, eq(paste0("xy", s)), t - 1, eq(paste0("yy", s)), t - 1),
      sprintf("wx%d ~~ %swx%d", t, eq("vex"), t), sprintf("wx%d ~~ %swy%d", t, eq("ce"), t),
      sprintf("wy%d ~~ %swy%d", t, eq("vey"), t))
  }
  # No other covariances of latent variables than those written.
  paste(c(lines, outer(c("kx", "ky"), c("wx1", "wy1"), function(a, b) paste(a, "~~ 0*", b))), collapse = "\n")
}
# Variances begin near their size: lavaan's own starting values lead nowhere.
begin <- function(text, ...) {
  p <- lavaanify(text, ...)
  own <- p$op == "~~" & p$lhs == p$rhs & p$free > 0
  p$ustart[own] <- 12
  p
}
fit <- function(text, data, ...) lavaan(begin(text, ngroups = if (is.null(list(...)$group)) 1 else 2, meanstructure = TRUE), data = data, meanstructure = TRUE, information = "observed", ...)
take <- function(f) {
  p <- parameterEstimates(f)
  p <- p[p$label != "" & !duplicated(p$label), ]
  list(estimate = as.list(setNames(p$est, p$label)), se = as.list(setNames(p$se, p$label)),
       loglik = as.numeric(logLik(f)), chisq = unname(fitMeasures(f, "chisq")), df = unname(fitMeasures(f, "df")))
}
m <- wide("panel_missing.csv"); c <- wide("panel_complete.csv")
out <- list(R = R.version.string, lavaan = as.character(packageVersion("lavaan")),
  one_group = take(fit(model(1), m, missing = "fiml")),
  by_arm = take(fit(model(2), m, missing = "fiml", group = "arm")),
  by_arm_held = take(fit(model(2, held = TRUE), m, missing = "fiml", group = "arm")),
  free_lags = take(fit(model(2, free = TRUE), m, missing = "fiml", group = "arm")),
  wishart = take(fit(model(1), c, likelihood = "wishart")))
writeLines(jsonlite::toJSON(out, auto_unbox = TRUE, digits = 14, pretty = TRUE), "panel.json")
