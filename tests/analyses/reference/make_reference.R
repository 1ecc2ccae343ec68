# Stores R's results on participants.csv and visits.csv in reference.json.
# Run from this folder: Rscript make_reference.R
# Needs survival, geepack, emmeans, MASS, mice (Debian: r-cran-survival, ...).
suppressPackageStartupMessages({
  library(survival); library(geepack); library(emmeans); library(MASS)
})
people <- read.csv("participants.csv")
people$arm <- factor(people$arm, levels = c("A", "B", "C"))
people$site <- factor(people$site)
long <- read.csv("visits.csv")
long$arm <- factor(long$arm, levels = c("A", "B", "C"))
long$visit <- factor(long$visit)
out <- list()

# --- standardisation -------------------------------------------------------------------------
fit <- glm(event ~ 0 + arm + severity + site, binomial, people, epsilon = 1e-14)
n <- nrow(people)
mu <- sapply(levels(people$arm), function(a) {
  predict(fit, transform(people, arm = factor(a, levels(people$arm))), type = "response")
})
gradient <- t(sapply(levels(people$arm), function(a) {
  x <- model.matrix(~ 0 + arm + severity + site,
                    transform(people, arm = factor(a, levels(people$arm))))
  p <- mu[, a]
  colMeans(x * (p * (1 - p)))
}))
ge <- gradient %*% vcov(fit) %*% t(gradient)
grid <- ref_grid(glm(event ~ arm + severity + site, binomial, people, epsilon = 1e-14),
                 counterfactuals = "arm", regrid = "response")
marginal <- as.data.frame(emmeans(grid, ~arm))
ye <- matrix(0, 3, 3)
for (a in 1:3) for (b in 1:3) {
  ia <- people$arm == levels(people$arm)[a]
  ib <- people$arm == levels(people$arm)[b]
  y <- people$event
  if (a == b) {
    ye[a, a] <- var(y[ia] - mu[ia, a]) / mean(ia) + 2 * cov(y[ia], mu[ia, a]) - var(mu[, a])
  } else {
    ye[a, b] <- cov(y[ia], mu[ia, b]) + cov(y[ib], mu[ib, a]) - cov(mu[, a], mu[, b])
  }
}
# A different derivation: the empirical influence function (M-estimation).
X <- model.matrix(fit)
scores <- X * (people$event - fitted(fit))
influence <- sapply(1:3, function(a) {
  mu[, a] - mean(mu[, a]) + as.vector(scores %*% (n * vcov(fit)) %*% gradient[a, ])
})
out$standardisation <- list(
  risks = unname(colMeans(mu)), ge = ge, ye = ye / n,
  influence = crossprod(influence) / n^2,
  emmeans_risk = marginal$prob, emmeans_se = marginal$SE
)

# --- proportions -----------------------------------------------------------------------------
out$wilson <- as.vector(prop.test(15, 40, correct = FALSE)$conf.int)
out$clopper_pearson <- as.vector(binom.test(3, 80)$conf.int)
out$poisson <- as.vector(poisson.test(7, 12.5)$conf.int)
pooled <- mice::pool.scalar(c(1.0, 1.2, 0.8, 1.1), c(0.04, 0.05, 0.03, 0.045), n = 101, k = 1)
out$rubin <- list(qbar = pooled$qbar, t = pooled$t, df = pooled$df, r = pooled$r)

# --- repeated outcomes -----------------------------------------------------------------------
design <- ~ 0 + visit + visit:armx + severity
long$armx <- factor(long$arm, levels = c("C", "A", "B"))
mancl_derouen <- function(fit, X, y, mu, id, rho, scale, weight) {
  beta_inverse <- matrix(0, ncol(X), ncol(X)); middle <- beta_inverse
  parts <- list()
  for (i in unique(id)) {
    r <- which(id == i); v <- mu[r] * (1 - mu[r])
    D <- X[r, , drop = FALSE] * v
    R <- matrix(rho, length(r), length(r)); diag(R) <- 1
    V <- diag(sqrt(v), length(r)) %*% R %*% diag(sqrt(v), length(r))
    parts[[as.character(i)]] <- list(D = D, Vi = solve(V), e = y[r] - mu[r])
    beta_inverse <- beta_inverse + t(D) %*% solve(V) %*% D
  }
  bread <- solve(beta_inverse)
  for (p in parts) {
    H <- p$D %*% bread %*% t(p$D) %*% p$Vi
    u <- t(p$D) %*% p$Vi %*% solve(diag(length(p$e)) - H, p$e)
    middle <- middle + u %*% t(u)
  }
  bread %*% middle %*% bread
}
gee <- function(y, data, tolerance = 1e-12) {
  data$y <- y
  fit <- geeglm(y ~ 0 + visit + severity + visit:armx, binomial, data, id = participant,
                corstr = "exchangeable", control = geese.control(epsilon = tolerance, maxit = 200))
  X <- model.matrix(fit)
  rho <- unname(fit$geese$alpha)
  md <- mancl_derouen(fit, X, y, as.vector(fitted(fit)), data$participant, rho)
  list(names = names(coef(fit)), coefficients = unname(coef(fit)), rho = rho,
       robust_se = unname(sqrt(diag(fit$geese$vbeta))), mancl_derouen_se = sqrt(diag(md)))
}
suppressWarnings({
  out$gee_binary <- gee(long$yes, long)
  out$gee_days <- gee(long$days / 28, long)
})
people$armx <- factor(people$arm, levels = c("C", "A", "B"))
nb <- glm.nb(episodes ~ armx + severity, people, control = glm.control(epsilon = 1e-14, maxit = 100))
out$negative_binomial <- list(
  names = names(coef(nb)), coefficients = unname(coef(nb)),
  se = unname(sqrt(diag(vcov(nb)))), theta = nb$theta, theta_se = nb$SE.theta
)

# --- time to event ---------------------------------------------------------------------------
curve <- survfit(Surv(time, status) ~ arm, people, conf.type = "log-log")
at <- summary(curve, times = c(4, 8, 12, 16), extend = TRUE)
out$kaplan_meier <- lapply(split(data.frame(
  time = at$time, survival = at$surv, se = at$std.err, lower = at$lower, upper = at$upper,
  at_risk = at$n.risk), at$strata), as.list)
restricted <- summary(curve, rmean = 16)$table
out$restricted_mean <- list(arm = levels(people$arm),
                            mean = unname(restricted[, grep("^\\*?rmean$", colnames(restricted))]),
                            se = unname(restricted[, grep("se\\(rmean\\)", colnames(restricted))]))
cox <- coxph(Surv(time, status) ~ armx + severity, people, ties = "efron",
             control = coxph.control(eps = 1e-12, iter.max = 50))
zph <- cox.zph(cox, transform = "km")
out$cox <- list(names = names(coef(cox)), coefficients = unname(coef(cox)),
                se = unname(sqrt(diag(vcov(cox)))), loglik = cox$loglik[2])
out$zph <- list(terms = rownames(zph$table), chisq = unname(zph$table[, "chisq"]),
                df = unname(zph$table[, "df"]), p = unname(zph$table[, "p"]))
out$versions <- list(R = R.version.string,
  survival = as.character(packageVersion("survival")),
  geepack = as.character(packageVersion("geepack")),
  emmeans = as.character(packageVersion("emmeans")),
  MASS = as.character(packageVersion("MASS")),
  mice = as.character(packageVersion("mice")))

# Plain JSON without a package.
json <- function(x) {
  if (is.list(x)) {
    if (is.null(names(x))) return(paste0("[", paste(sapply(x, json), collapse = ", "), "]"))
    body <- paste0("\"", names(x), "\": ", sapply(x, json))
    return(paste0("{", paste(body, collapse = ",\n"), "}"))
  }
  if (is.matrix(x)) return(paste0("[", paste(apply(x, 1, json), collapse = ", "), "]"))
  v <- if (is.character(x)) paste0("\"", x, "\"") else
    ifelse(is.na(x), "null", formatC(x, digits = 15, format = "g"))
  if (length(v) == 1) v else paste0("[", paste(trimws(v), collapse = ", "), "]")
}
writeLines(json(out), "reference.json")
